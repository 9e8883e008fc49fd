"""The model zoo: plain nn.Modules, one file a family."""
