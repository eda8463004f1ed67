"""How users and services call the cloud: signing in, staying signed in, trying again."""
