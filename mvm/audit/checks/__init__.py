"""Rules that an evaluation must pass before its numbers are believed, one small function each.

A function returns `mvm.audit.checks.verdict.Check`: pass, warn or fail, with the numbers it used. A fail
strikes the cell, which is then shown as a bound with the rule's id; a warning is a badge.

E01 the attack left the ball or the box: its images count as clean        fail   cells
E02 dropout or batch norm in train mode                                   fail   defender
E03 two forward passes differ                                             fail   defender
E04 outputs are probabilities, or not finite                              fail   defender
E05 zero or non-finite input gradients: over 1 % warns, over 10 % fails;
    PGD on cross-entropy far below PGD on the margin                      fail   defender, probe
E06 an iterative attack below the single-step one                         fail   probe, cells
E07 white-box below random noise, or below images from another net        fail   probe, cells
E08 PGD below an attack network whose images it may use                   fail   cells
E09 error falls from eta / 2 to eta                                       fail   probe
E10 accuracy above chance at eta = 1                                      fail   probe
E11 doubling the steps changes the error by half a point                  warn   probe
E12 steps x step size do not cross the ball                               fail   cells
E13 a restart loses an image that was broken                              fail   probe
E15 adversarial error below clean error: label leak                       fail   cells
E17 one class answered everywhere: clean over 50 %, attacked over 90 %    fail, warn   cells
E18 dead attacker (fails), collapsed attack network (warns)               fail, warn   cells
E19 the best response found is below a literal AttNet (fails); fewer than
    5 networks tried (warns)                                              fail, warn   cells
E22 no random-noise control                                               warn   cells
E24 cells scored on different images or labels                            fail   cells
E25 PGD at eta = 0.6 leaves an undefended net above 5 % accuracy          fail   grid
E30 fewer than 3 seeds                                                    warn   grid
E32 Lemma 1 violated by measured risks                                    fail   mvm.audit.gap
E33 clean test error far above validation error: mislabelled              fail   grid
"""
