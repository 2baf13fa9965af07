"""What a run has done, so that nothing is done twice: places, findings, results, checkpoints; decides nothing."""
