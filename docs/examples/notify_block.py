"""Saves the block that says where notifications go, and prints its id.

python docs/examples/notify_block.py https://chat.example.org/hooks/...
"""

import sys

from prefect.blocks.notifications import CustomWebhookNotificationBlock

block = CustomWebhookNotificationBlock(
    name="hw3 failures",
    url=sys.argv[1],
    method="POST",
    # What most chat programs take; `subject` and `body` come from notify.yaml.
    json_data={"text": "{{subject}}\n{{body}}"},
)
sys.stdout.write(f"{block.save('hw3-failures', overwrite=True)}\n")
