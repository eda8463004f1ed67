"""Nova: servers, from the request to the guest on its host."""
