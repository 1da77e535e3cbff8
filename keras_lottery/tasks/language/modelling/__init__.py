"""Language modelling: text as streams, recurrent networks that carry their states along them."""
