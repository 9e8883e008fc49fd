"""The public HyenaDNA network beside ours, with the same weights: how far apart are they?

    python speed/hyena_reference.py --reference standalone_hyenadna.py

`standalone_hyenadna.py` is a file of github.com/HazyResearch/hyena-dna; fetch it yourself, none of it is kept here.
Weights are drawn by the reference and go through `load_released`. Lengths 5, 64, 1,000 and 1,026 for tiny_1k, 16,386
for tiny_16k; weights as they are drawn, and livelier ones that trained weights might resemble. Prints one JSON line:
the largest difference of the features over their standard deviation, as inference and as training compute them. The
bar is for inference, which rounds as the reference does; at 16,386 bases either's own rounding is 2e-5 to 1e-4.
"""

import argparse
import importlib.util
import json
import sys
import types
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from genolightning.models import hyena

BAR = 1e-5
CASES = {"tiny_1k": (1_026, (5, 64, 1_000, 1_026)), "tiny_16k": (16_386, (16_386,))}
VIEWS = {  # all that the reference asks of einops
    "b l d -> b d l": lambda x, **_: x.transpose(1, 2),
    "b d l -> b l d": lambda x, **_: x.transpose(1, 2),
    "l (o d) -> o d l": lambda x, o: x.unflatten(1, (o, -1)).permute(1, 2, 0),
    "(o d) -> o d": lambda x, o: x.unflatten(0, (o, -1)),
}


class NoDrop(nn.Module):
    """torchvision's StochasticDepth at rate 0."""

    def __init__(self, rate: float, mode: str) -> None:
        super().__init__()
        assert rate == 0, mode

    def forward(self, x: Tensor) -> Tensor:
        return x


@cache
def load(path: Path) -> Any:
    """Import the reference file as it is; what it imports and this comparison does not run is stood in for."""
    stand_ins = {
        "einops": {"rearrange": lambda x, pattern, **sizes: VIEWS[pattern](x, **sizes)},
        "torchvision": {},
        "torchvision.ops": {"StochasticDepth": NoDrop},
        "transformers": {},
        "transformers.tokenization_utils": {"AddedToken": object, "PreTrainedTokenizer": object},
    }
    missing = {name for name in ("einops", "torchvision", "transformers") if importlib.util.find_spec(name) is None}
    for name, contents in stand_ins.items():
        if name.partition(".")[0] in missing:
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(contents)
    spec = importlib.util.spec_from_file_location("reference_hyena", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def network(reference: Any, *, dim: int, depth: int, l_max: int) -> nn.Module:
    """The reference's backbone with the settings of the released models, dropout off."""
    layer = {
        **{"l_max": l_max, "d_model": dim, "order": 2, "filter_order": 64, "emb_dim": 5, "w": 10, "lr": 6e-4},
        **{"wd": 0.0, "lr_pos_emb": 0.0, "modulate": True, "short_filter_order": 3},
    }
    made: nn.Module = reference.LMBackbone(
        **{"d_model": dim, "n_layer": depth, "d_inner": 4 * dim, "vocab_size": 16, "layer": layer},
        **{"embed_dropout": 0.0, "resid_dropout": 0.0, "residual_in_fp32": True},
    )
    return made


def ours(theirs: nn.Module, *, dim: int, depth: int, l_max: int) -> hyena.Hyena:
    """Our backbone with the reference's weights."""
    made = hyena.Hyena(dim=dim, depth=depth, l_max=l_max, embed_dropout=0.0)
    unused = made.load_released({f"model.backbone.{name}": value for name, value in theirs.state_dict().items()})
    assert all(name.endswith((".z", ".t", ".deltas")) for name in unused), unused
    return made


def lively(module: nn.Module) -> None:
    """Make every part matter: the initial filters and last maps are so small that faults could hide behind x + ."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith((".z", ".freq", "norm1.weight", "norm2.weight", "ln_f.weight")):
                continue
            scale = 1.0 if "embeddings" in name else 1 / parameter.shape[-1] ** 0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference over the standard deviation of the other."""
    return ((one - other).abs().max() / other.std()).item()


def measure(reference: Any, l_max: int, length: int, *, started: bool) -> dict[str, float]:
    torch.manual_seed(0)
    theirs = network(reference, dim=128, depth=2, l_max=l_max).eval()
    if not started:
        lively(theirs)
    mine = ours(theirs, dim=128, depth=2, l_max=l_max).eval()
    ids = torch.randint(7, 12, (2, length))
    every, figures = torch.ones_like(ids).bool(), {}
    with torch.no_grad():
        wanted = theirs(ids)
    for name, gradients in (("inference", False), ("training", True)):  # the two are computed on different paths
        with torch.set_grad_enabled(gradients):
            figures[name] = difference(mine.read(ids, every).detach(), wanted)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True, metavar="standalone_hyenadna.py")
    reference = load(parser.parse_args().reference)
    figures = {
        f"{model} {length} {'initial' if started else 'lively'}": measure(reference, l_max, length, started=started)
        for model, (l_max, lengths) in CASES.items()
        for length in lengths
        for started in (True, False)
    }
    worst = max(each["inference"] for each in figures.values())
    print(json.dumps({"what": "largest difference over sd", **figures, "worst_inference": worst, "bar": BAR}))


if __name__ == "__main__":
    main()
