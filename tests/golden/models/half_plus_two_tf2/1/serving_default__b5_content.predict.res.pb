
#
y*ð?@€<C@$õ3@wâ@5@serving_default