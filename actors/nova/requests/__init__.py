"""The bodies of the Compute API as clients send them, and the messages that they become.

A body is checked against the table of its kind (nova's `api/openstack/compute/schemas`, at the microversion that today's
clients ask for) and against the rules that span several fields, before anything is sent. What nova would refuse is refused
with a `ValidationError` that has nova's text and names the field.
"""
