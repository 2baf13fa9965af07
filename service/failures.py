"""Every way a job, a model or a dataset can fail, by its code: what happened and what to do, in sentences."""

FAILURES: dict[str, str] = {
    "search_failed": "The search could not go on; `detail` says why.",
    "bad_count": "A level asked for a number of entries outside what is there.",
    "non_finite_score": "A score became NaN or infinite. Usually the training diverged: lower the learning rate.",
    "collapse": "A layer would keep nothing. Ask for less sparsity, use another scope, or set `allow_collapse`.",
    "diverged": "The training loss is no longer finite. Lower the learning rate, or warm up longer.",
    "invariant_broken": "A promise of the certificate did not hold while running. This is a defect of ours: report it.",
    "bad_checkpoint": "A checkpoint is cut, altered, or of another run, and so is the one before it.",
    "verification_failed": "What was written does not read back as what was found; nothing of it is offered.",
    "bad_model": "The model file does not hold what was declared; `errors` names the tensor.",
    "bad_dataset": "The dataset file does not hold what was declared; `errors` names the first bad row.",
    "model_refused": "The model was refused by its inspection after the job was accepted. No attempt was made.",
    "dataset_refused": "The dataset was refused by its inspection after the job was accepted. No attempt was made.",
    "worker_lost": "Three attempts ended without getting any further. The job's log has their last words.",
    "disk_full": "The disk of its worker had no room for what it wrote, three times in a row. The operator makes room.",
    "out_of_memory": "The run needed more memory than its slot has. Use a smaller batch, or a larger machine.",
    "queue_time_exceeded": "No slot took the job within `limits.max_queued_seconds`. Submit it again, or wait longer.",
    "running_time_exceeded": "The job ran for `limits.max_running_seconds`, all attempts together, and was stopped.",
    "children_failed": "No point of the grid succeeded; `detail` counts what they ended with, and each child says why.",
    "protocol_violation": "The run said or wrote something no run of ours does, and nothing of it was taken.",
    "invalid_recipe": "The recipe turned out not to suit the model or the data once these were inspected.",
    "invalid_request": "What was asked turned out to be impossible once the inputs were inspected.",
    "failed": "The job failed for another reason; `detail` and its log say which.",
    "error": "The job failed for another reason; `detail` and its log say which.",
}
"""What the `error` of a failed job (or of a refused model or dataset) can be, by its code."""
