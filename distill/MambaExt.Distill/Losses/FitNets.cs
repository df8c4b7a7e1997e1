using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Hints (Romero et al., "FitNets", arXiv 1412.6550, equation 3): <c>mean (r(f_student) - f_teacher)^2</c>, r a learned linear map (on images a 1 x 1
/// convolution) that is trained beside the student and thrown away. Its parameters are not the student's.
/// </summary>
public sealed class FitNets : DistillationLoss
{
    private readonly Linear? _regressor;

    /// <summary>Makes the map.</summary>
    /// <param name="name">Which tapped features</param>
    /// <param name="student">Width of the student's feature: channels of [B, C, H, W], else the last dimension</param>
    /// <param name="teacher">Width of the teacher's</param>
    /// <param name="adapter">Learn a map; without one the widths must be the same</param>
    /// <exception cref="ArgumentException">The widths differ and there is no map.</exception>
    public FitNets(string name, long student, long teacher, bool adapter = true)
        : base(name)
    {
        if (!adapter && student != teacher)
        {
            throw new ArgumentException($"The loss {name} compares a feature of width {student} with one of width {teacher}; add an adapter, or tap features of the same width.");
        }

        _regressor = adapter ? nn.Linear(student, teacher) : null;
    }

    /// <inheritdoc/>
    public override nn.Module? Adapter => _regressor;

    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        var (student, teacher) = FeatureLosses.Pair(inputs, Name);
        Tensor own = FeatureLosses.ChannelsLast(student), given = FeatureLosses.ChannelsLast(teacher);
        own = _regressor is null ? own : _regressor.forward(own);
        FeatureLosses.RequireSame(Name, own, given);
        return (own - given).square().mean().MoveToOuterDisposeScope();
    }
}
