"""What the response cache serves, rightly and wrongly, on pairs and streams of prompts."""
