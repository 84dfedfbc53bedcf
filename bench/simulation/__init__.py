"""The service in virtual time: batches, lanes and instances against the limits of an upstream and of Azure.

`parameters` says what everything costs and where the figure is from, `clock` is the event queue and what queues in it,
`flow` walks batches through the product's own rules, `outcome` reads the result. docs/scaling.md tells what it shows.
"""
