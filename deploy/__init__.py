"""How the service is deployed; Python only where files are rendered from code."""
