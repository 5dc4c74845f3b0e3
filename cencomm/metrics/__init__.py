"""What Prometheus reads of an installation: `/metrics`, behind a token, with every process of the machine in it.

`catalogue` names every figure; `process` and `installation` take them; `slots` lets the processes of one machine
share them; `exposition` writes them; `door` lets nobody in without the token. The counters themselves are in
`messaging.measures`. What must not live here: ids, names, content, also not as a label.
"""
