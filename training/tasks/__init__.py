"""The task model: authored prompts, training, and figures on sources left out."""
