"""Live delivery."""

websocket_routes: list[object] = []
