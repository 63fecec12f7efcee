#!/bin/sh
# Makes the work pools, the deployments and the automations on the Prefect server of PREFECT_API_URL. Run in the
# folder of prefect.yaml; may be run again.
#   HW3_POOL_TYPE     process (default) or kubernetes
#   HW3_PREFECT_FILE  the deployments (default prefect.yaml)
set -eu
type=${HW3_POOL_TYPE:-process}

for kind in cpu gpu; do
    set -- "hw3-$kind" --type "$type"
    if [ "$type" = kubernetes ]; then
        set -- "$@" --base-job-template "deploy/kubernetes/$kind-job-template.json"
    fi
    prefect --no-prompt work-pool create "$@" --overwrite
done

prefect --no-prompt deploy --all --prefect-file "${HW3_PREFECT_FILE:-prefect.yaml}"

# Runs that have lost their process are set to Crashed.
python -c '
from prefect import get_client
from tasks.automations import ensure_automations

with get_client(sync_client=True) as client:
    for name in ensure_automations(client):
        print(f"automation: {name}")
'
