"""The machine: devices and threads, atomic files, versions, what may not be shown."""
