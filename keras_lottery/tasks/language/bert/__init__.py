"""Pre-trained BERT, fine-tuned: tickets in its encoder (Chen et al. 2020, arXiv 2007.12223)."""
