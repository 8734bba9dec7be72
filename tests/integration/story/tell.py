"""The story from its beginning to its end."""

from tests.integration.story import asked, engines, past, trained
from tests.integration.story.world import World


def tell(world: World) -> dict[str, str]:
    """Run the whole story; the text of each block of the page by its name."""
    blocks = past.imported(world)
    blocks |= past.shuffled(world)
    blocks |= past.night(world)
    asked.third_asked(world)
    with world.order_in_flight():
        blocks |= asked.fourth_asked(world)
        blocks |= asked.with_something_down(world)
        world.close()
    past.imported_later(world)
    blocks |= engines.side_by_side(world)
    blocks |= trained.trained(world)
    return blocks
