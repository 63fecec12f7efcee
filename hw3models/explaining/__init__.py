"""What a model's answers rest on: maps of examples, whether they can be believed, and where families differ."""

from hw3models.explaining.explanation import Explanation, Method, explain
from hw3models.explaining.questions import Questions, questions_of

__all__ = ["Explanation", "Method", "Questions", "explain", "questions_of"]
