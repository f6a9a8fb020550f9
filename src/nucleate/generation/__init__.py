"""Generation under conditions: near a lead, between two structures, around a part that is kept,
with properties and a size in given windows; in terms of a trained model and its kind of matter.

Latent vectors are proposed (`sources`), moved towards the properties asked for (`steering`) and
decoded, by a stricter legality where a part is kept (`conditions.ScaffoldConstraint`). What comes
out is tested on the structure itself (`requirements`), so that every row meets every condition.
"""
