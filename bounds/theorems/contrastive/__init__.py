"""From a contrastive loss to the classifier whose rows are the true class means."""
