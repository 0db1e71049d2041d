"""Pages for people: HTML made in the server, without a script, from what the ``/ai`` routes answer anyway."""
