"""How data moves: topics, wire formats, the Faust application and partition snapshots."""
