"""One command on one machine: its temporary server, its display, its end."""
