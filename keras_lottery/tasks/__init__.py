"""What each domain gives the engine; importing this registers the tasks, without Keras."""

from keras_lottery.config import TaskSchema, task_schemas
from keras_lottery.tasks.vision.config import VisionData, VisionModel

task_schemas.register("vision")(
    TaskSchema(
        data=VisionData,
        model=VisionModel,
        make="keras_lottery.tasks.vision.task:VisionTask",
    )
)
