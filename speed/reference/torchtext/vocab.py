"""The vocabulary of torchtext, as far as genomic-benchmarks 1.0.0 uses it; look-ups cost one dict access."""


class Vocab(dict):
    """Token -> id; an unknown token gets the default index."""

    def __missing__(self, token):
        return self.default

    def append_token(self, token):
        """Add a token after the last."""
        self[token] = len(self)

    def insert_token(self, token, index):
        """Add a token at an index and move the others up."""
        tokens = sorted(self, key=self.get)
        tokens.insert(index, token)
        self.update((token, i) for i, token in enumerate(tokens))

    def set_default_index(self, index):
        """Choose the id of unknown tokens."""
        self.default = index


def vocab(counter):
    """Number the tokens of a Counter in order of first appearance."""
    return Vocab((token, i) for i, token in enumerate(counter))


def build_vocab_from_iterator(iterator, **options):
    """Imported by genomic-benchmarks, never called."""
    raise NotImplementedError
