"""Pages for people: HTML made in the server, whole without a script, from what the ``/ai`` routes answer anyway."""
