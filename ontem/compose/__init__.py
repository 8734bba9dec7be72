"""What the containers of docker-compose.yml run once, each step of which may be run again."""
