"""Fits what the product ships as data: none of this is deployed."""
