from pathlib import Path
from hw3models.specs import RunReport
def write_report(run: RunReport, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True); path.write_text("<!doctype html>"+run.model_dump_json())
