"""Everything this service tells of itself: each metric, span and log action, declared once (docs/telemetry.md), and
which log lines leave this process.

Names follow OpenTelemetry's GenAI conventions, and `batch.*` where those end. Rule of this package: it exports nothing;
the platform's worker does, or whoever configures an SDK. Without one, recording costs next to nothing. Attributes have
few values each: never a file name, a custom_id, a prompt, an answer or a key.
"""
