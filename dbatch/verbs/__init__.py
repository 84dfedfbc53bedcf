"""What the program can be told to do: a file for verbs that belong together."""
