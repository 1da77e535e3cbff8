"""Language modeling: streams of text, and recurrent networks that carry states along them."""
