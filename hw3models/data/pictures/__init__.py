"""Pictures in files of any format, size and number, as one uint8 array: found, looked at, decoded, kept."""
