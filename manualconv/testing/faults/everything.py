"""The whole bank: importing this enters every fault, cheat and right implementation."""

from manualconv.testing.faults import activation as activation
from manualconv.testing.faults import adaptive_pooling as adaptive_pooling
from manualconv.testing.faults import average_pooling as average_pooling
from manualconv.testing.faults import cheats as cheats
from manualconv.testing.faults import dropout as dropout
from manualconv.testing.faults import folding as folding
from manualconv.testing.faults import fractional_pooling as fractional_pooling
from manualconv.testing.faults import linear as linear
from manualconv.testing.faults import loss as loss
from manualconv.testing.faults import normalization as normalization
from manualconv.testing.faults import of_exams as of_exams
from manualconv.testing.faults import padding as padding
from manualconv.testing.faults import right as right
from manualconv.testing.faults import softmax as softmax
from manualconv.testing.faults import transposed_convolution as transposed_convolution
from manualconv.testing.faults.bank import BANK as BANK
from manualconv.testing.faults.bank import FromBank as FromBank
