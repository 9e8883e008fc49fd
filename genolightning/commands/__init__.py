"""The subcommands of `genolightning`, one file each."""
