"""Laws that every model of conf/model keeps, whatever it is made of."""

import functools
import io
import json

import pytest
import torch
from hydra.utils import instantiate

from genolightning.batch import Batch, base_mask
from genolightning.config import compose
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.convnet import ConvNet
from genolightning.models.gated import GatedNet
from genolightning.models.hyena import Hyena
from genolightning.models.resnet import ResNet
from genolightning.models.strand import EquivariantStrands, JointStrands, SingleStrand, reverse_positions
from genolightning.models.transformer import Transformer
from genolightning.paths import conf_dir
from genolightning.training.module import build_module
from genolightning.training.tasks import for_facts

LENGTH_BP = 60
MODELS = sorted(file.stem for file in (conf_dir() / "model").glob("*.yaml"))
NARROW = ["model.backbone.dim=32", "model.backbone.depth=2"]  # where width and depth change no law, only the wait
SMALLER = {"resnet": NARROW, "transformer": NARROW, "hyena": NARROW, "gated": ["model.backbone.dim=32"]}
SMALLER |= {name: NARROW for name in MODELS if name.startswith("hyenadna")}
FIXED = {"cnn", "basset", "deepsea"}  # read windows of one length
CAUSAL = [name for name in MODELS if name.startswith("hyenadna")]
FREE = [name for name in MODELS if name not in FIXED]
ONE_A_FAMILY = [name for name in MODELS if name not in CAUSAL[1:]]


def told(**more) -> Facts:
    return Facts(**{"kind": "binary", "classes": ["a", "b"], "length_bp": LENGTH_BP, "shortest_bp": 1} | more)


@functools.cache
def config(name: str) -> str:
    composed = compose.compose("train", [f"model={name}", *SMALLER.get(name, [])])
    return json.dumps(composed.cfg.model, default=lambda node: dict(node) if hasattr(node, "keys") else list(node))


def built(name: str, seed: int = 0, strand: str | None = None, **more):
    torch.manual_seed(seed)
    facts = told(**more)
    given = json.loads(config(name)) | ({"strand": strand} if strand else {})
    return build_module(instantiate(given, _convert_="all"), facts=facts, task=for_facts(facts))


def batch_of(*lengths: int, width: int | None = None) -> Batch:
    generator = torch.Generator().manual_seed(1)
    real, width = torch.tensor(lengths), width or max(lengths)
    codes = torch.randint(0, 4, (len(lengths), width), dtype=torch.uint8, generator=generator)
    codes[torch.rand(codes.shape, generator=generator) < 0.03] = 4
    codes[~base_mask(real, width)] = 4
    target = torch.randint(0, 2, (len(lengths),), generator=generator)
    return Batch(codes, real, target, torch.arange(len(lengths)))


def alone(batch: Batch, row: int) -> Batch:
    one = slice(row, row + 1)
    return Batch(batch.codes[one, : batch.lengths[row]], batch.lengths[one], batch.target[one], batch.index[one])


@pytest.mark.parametrize("name", FREE)
def test_padding_and_batch_mates_never_change_a_prediction(name):
    model, batch = built(name).eval(), batch_of(60, 51, 7, 1, width=75)
    with torch.no_grad():
        together = model(batch)
        for row in range(4):
            torch.testing.assert_close(model(alone(batch, row))[0], together[row], rtol=0, atol=1e-5)
    assert together.std() > 1e-4


@pytest.mark.parametrize("name", sorted(FIXED))
def test_batch_mates_never_change_a_prediction_of_fixed_length(name):
    model, batch = built(name).eval(), batch_of(60, 51, 7, 1)
    with torch.no_grad():
        together = model(batch)
        for row in range(4):
            torch.testing.assert_close(model(alone(batch, row))[0], together[row], rtol=0, atol=1e-5)
    with pytest.raises(UserError, match=r"dataset\.too_long=crop"):
        model(batch_of(model.max_length_bp + 1))


@pytest.mark.parametrize("name", FREE)
def test_predictions_on_bases_do_not_see_padding_either(name):
    model, batch = built(name, resolution_bp=1).eval(), batch_of(60, 49, 7)
    with torch.no_grad():
        together = model(batch)
        for row, length in enumerate(batch.lengths):
            torch.testing.assert_close(model(alone(batch, row))[0], together[row, :length], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_causal_model_never_sees_the_future(name):
    backbone = built(name).backbone.eval()
    seen = []
    backbone.embedding.register_forward_hook(lambda module, given, made: seen.append(made.requires_grad_()))
    values = backbone(batch_of(40)).values[0]
    assert backbone.causal
    for place in (0, 17, 39):
        (gradient,) = torch.autograd.grad(values[place].square().sum(), seen[0], retain_graph=True)
        size = gradient[0].abs().amax(1)
        assert size[: place + 1].amax() > 0
        assert (size[place + 1 :] < 1e-5 * size.amax()).all()  # a Fourier transform rounds


@pytest.mark.parametrize("name", MODELS)
def test_one_base_is_enough(name):
    model = built(name)
    loss = model.task.loss(model(batch_of(1, 1)), torch.tensor([0, 1]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(model.eval()(batch_of(1))).all()


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_weights_and_loss_and_another_does_not(name):
    losses = []
    for seed in (3, 3, 4):
        model, batch = built(name, seed), batch_of(60, 44)
        losses.append(model.task.loss(model(batch), batch.target).item())
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("name", MODELS)
def test_saved_weights_load_again_with_identical_outputs(name):
    first, second, batch, file = built(name, 0), built(name, 1), batch_of(60, 31), io.BytesIO()
    first(batch)  # running statistics move
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    with torch.no_grad():
        assert torch.equal(first.eval()(batch), second.eval()(batch))


@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_bf16_gives_probabilities_within_two_hundredths_of_float32(name):
    model, batch = settled(built(name), batch_of(*[LENGTH_BP] * 256)).eval(), batch_of(*[LENGTH_BP] * 256)
    with torch.no_grad():
        expected = model(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(batch).float()
    assert (expected.sigmoid() - found.sigmoid()).abs().max() < 0.02
    loud = 1 / expected.std()  # rows as far apart as a trained model's are; what moves all of them alike is not counted
    p, q = (((logits - logits.mean()) * loud).sigmoid() for logits in (expected, found))
    assert (p - q).abs().max() < 0.02
    assert p.std() > 0.1


def settled(model, batch):
    """The model with the running statistics of this batch, where it has any."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        model.train()(batch)
    return model


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_compiling_in_place_keeps_keys_and_outputs(name):
    model, batch = built(name).eval(), batch_of(60, 44)
    keys = list(model.state_dict())
    with torch.no_grad():
        expected = model(batch)
        model.backbone.compile(backend="eager")
        torch.testing.assert_close(model(batch), expected, rtol=0, atol=1e-5)
    assert list(model.state_dict()) == keys


EQUIVARIANT = [(name, "equivariant", bins) for name in FREE for bins in (None, 1) if name != "resnet"]
AVERAGE = [(name, "average", bins) for name in MODELS for bins in (None, 1) if bins is None or name not in FIXED]


@pytest.mark.parametrize(("name", "way", "resolution_bp"), EQUIVARIANT + AVERAGE)
def test_both_strands_get_the_same_answer(name, way, resolution_bp):
    model, batch = built(name, strand=way, resolution_bp=resolution_bp).eval(), batch_of(60, 43, 6, 1)
    with torch.no_grad():
        one, other = model(batch), model(batch.reverse_complement())
        model.strand = SingleStrand(model.facts)
        plain = model(batch) if one.shape == other.shape and model.backbone.stride in (None, 1) else None
    if resolution_bp:
        real = base_mask(batch.lengths, 60)
        one, other = one[real], reverse_positions(other, batch.lengths)[real]
        plain = plain[real] if plain is not None else None
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert plain is None or not torch.allclose(one, plain, atol=1e-4)


def test_a_head_that_reads_neighbours_is_refused_equivariant_features():
    with pytest.raises(UserError, match=r"ProbeHead.*model\.strand=average"):
        built("resnet", strand="equivariant")


@pytest.mark.parametrize("name", sorted(FIXED))
def test_features_that_cannot_be_turned_are_refused(name):
    with pytest.raises(UserError, match=r"model\.strand=average"):
        EquivariantStrands(told()).head_input(built(name).backbone)


@pytest.mark.parametrize("resolution_bp", [None, 1])
@pytest.mark.parametrize("name", FREE)
def test_joint_features_hold_both_strands_each_as_the_backbone_reads_it(name, resolution_bp):
    backbone, facts = built(name).backbone.eval(), told(resolution_bp=resolution_bp)
    batch = batch_of(60, 43, 6, 1)
    with torch.no_grad():
        there, (values, mask, _) = backbone(batch), JointStrands(facts).features(backbone, batch)
        other = JointStrands(facts).features(backbone, batch.reverse_complement()).values
    given, opposite = values.chunk(2, 2)
    if resolution_bp:
        mirrored = reverse_positions(other.chunk(2, 2)[0], batch.lengths)
        torch.testing.assert_close(opposite[mask], mirrored[mask], rtol=0, atol=1e-5)
        alone = there.values.repeat_interleave(backbone.stride, 1)[:, : batch.codes.shape[1]]
    else:
        torch.testing.assert_close(opposite[mask], other.chunk(2, 2)[0][mask], rtol=0, atol=1e-5)
        alone = there.values
    torch.testing.assert_close(given[mask], alone[mask], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_stated_maximum_works_up_to_16k_and_one_base_more_is_refused(name):
    backbone = built(name).backbone.eval()
    limit = backbone.max_length_bp
    with torch.no_grad():
        assert backbone(batch_of(min(limit, 16_384))).values.isfinite().all()
        if limit <= 16_384:
            with pytest.raises(UserError, match=f"reads {limit:,}|reads {limit}"):
                backbone(batch_of(limit + 3))


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (Transformer, {"stride": 0}),
        (Transformer, {"dim": 0}),
        (Hyena, {"l_max": 40, "depth": 0}),
        (ConvNet, {"stride": 0}),
        (GatedNet, {"kernel": 0}),
        (ResNet, {"kernel": -1}),
        (ResNet, {"dim": 4}),
    ],
)
def test_sizes_that_build_nothing_are_refused(make, wrong):
    name, number = list(wrong.items())[-1]
    with pytest.raises(UserError, match=rf"model\.backbone\.{name}={number}: .*wanted"):
        make(**wrong)


@pytest.mark.parametrize(("kind", "other"), [("masked_lm", "hyena"), ("causal_lm", "hyenadna_tiny_1k")])
@pytest.mark.parametrize("name", ["basset", "cnn", "deepsea"])
def test_models_of_one_label_a_sequence_are_no_language_models(name, kind, other):
    with pytest.raises(UserError, match=rf"dataset\.kind={kind}: .*choose model={other}$"):
        built(name, kind=kind, classes=[])
