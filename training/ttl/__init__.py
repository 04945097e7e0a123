"""The lifetime model: questions of our own, training, and figures on questions left out."""
