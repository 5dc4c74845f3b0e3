"""Systems that do the same work, run beside ours in the same minutes. None of them is part of the product."""
