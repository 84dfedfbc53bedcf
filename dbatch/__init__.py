"""`dbatch`: batches from a shell, through the public API and nothing else.

A program of its own, which imports nothing of the service and works with OpenAI's batches as well. What other servers
do not know is asked for only where the caller asks for it, and its absence is said in a sentence.
"""
