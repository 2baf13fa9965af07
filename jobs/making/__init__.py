"""How a job comes to be: what may be sent, its inputs, its row; reruns and forks."""
