"""Cinder, the block storage service: cinder-api, cinder-scheduler, and a cinder-volume for each storage backend."""
