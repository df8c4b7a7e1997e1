using MambaExt.Distill.Students;
using MambaExt.Training;

namespace MambaExt.Distill.Stages;

/// <summary>What came of a stage.</summary>
/// <param name="Student">Trained, in evaluation mode</param>
/// <param name="Options">Its sizes as they were trained, reuse included</param>
/// <param name="HeldOutLogits">Its own logits on the held-out images, [M, K]</param>
/// <param name="Weights">Weights of the prefix that ends with it</param>
/// <param name="HeldOut">How that prefix does on the held-out images</param>
/// <param name="Gain">By how much its held-out likelihood is better than that of the prefix before, nats an image</param>
/// <param name="AdapterParameters">Numbers that were trained beside the student and thrown away</param>
/// <param name="Outcome">Epochs and seconds</param>
public sealed record StageResult(
    TrainedStudent Student, PatchMambaOptions Options, float[] HeldOutLogits, double[] Weights, Scores HeldOut, double Gain, long AdapterParameters, TrainingOutcome Outcome);
