using System.Diagnostics;
using MambaExt.Distill.Losses;
using MambaExt.Distill.Students;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Everything that a stage trains: the student, the two scales of its prefix, and adapters of losses. The sums of the loss's parts are buffers, so
/// that a run that was cut goes on counting where it was.</summary>
internal sealed class StageModule : nn.Module<Tensor, Tensor>
{
    public readonly PatchMamba student;
    private readonly Parameter prefix_scale, student_log_scale;
    private readonly ModuleList<nn.Module> adapters;
    private readonly Tensor term_sums;
    private readonly string[] _names;

    /// <param name="options">Sizes of the student, whose weights are drawn here from torch's generator</param>
    /// <param name="losses">Their adapters are trained too</param>
    /// <param name="parts">Names of the parts of the loss</param>
    public StageModule(PatchMambaOptions options, IEnumerable<DistillationLoss> losses, IReadOnlyList<string> parts)
        : base(nameof(StageModule))
    {
        _names = parts.Count <= MostTerms ? [.. parts] : throw new ArgumentException($"The loss has {parts.Count} parts; give at most {MostTerms}.");
        student = new PatchMamba(options);
        prefix_scale = nn.Parameter(ones(1).DetachFromDisposeScope());
        student_log_scale = nn.Parameter(full([1], (float)Math.Log(FirstStudentScale)).DetachFromDisposeScope());
        adapters = new ModuleList<nn.Module>([.. losses.Select(loss => loss.Adapter).OfType<nn.Module>()]);
        term_sums = zeros(MostTerms + 2, ScalarType.Float64).DetachFromDisposeScope();
        RegisterComponents();
    }

    // Behind the sums of the parts lie the samples that they are over and the epoch.
    private const int MostTerms = 32, Samples = MostTerms, Epoch = MostTerms + 1;

    // What a student that was drawn this moment says is noise: it begins at half weight beside a prefix that is trained.
    internal const double FirstStudentScale = 0.5;

    /// <summary>a and b, [2], differentiable. b = exp(beta) stays above 0: a student whose b had turned negative would be trained against itself, by the
    /// prefix's loss one way and by its own the other. Both share the rate of the weights: at ten times that, b of a late student falls to nothing before the
    /// student can answer, and with it the student's part in the prefix's loss.</summary>
    public Tensor Scales => cat([prefix_scale, student_log_scale.exp()]);

    /// <summary>Whether a parameter goes without decay: a would be pulled to 0, which means that a prefix answers nothing, and b to 1.</summary>
    public static bool Undecayed(string name) => name is nameof(prefix_scale) or nameof(student_log_scale);

    public override Tensor forward(Tensor images) => student.call(images);

    /// <summary>The weighted sum of the parts, which are counted one by one, epoch by epoch.</summary>
    public Tensor Sum(IReadOnlyList<(string Name, double Weight, Tensor Value)> parts, long samples, int epoch)
    {
        Debug.Assert(_names.SequenceEqual(parts.Select(p => p.Name)), "The parts of a loss are told beforehand.");
        using (no_grad())
        {
            if (term_sums[Epoch].ToDouble() != epoch)
            {
                term_sums.zero_();
                term_sums.narrow(0, Epoch, 1).fill_(epoch);
            }

            Tensor seen = stack([.. parts.Select(p => p.Value.detach().to_type(ScalarType.Float64)), ones([], ScalarType.Float64)]) * samples;
            term_sums.narrow(0, 0, parts.Count).add_(seen.narrow(0, 0, parts.Count));
            term_sums.narrow(0, Samples, 1).add_(seen.narrow(0, parts.Count, 1));
        }

        return parts.Select(p => p.Weight == 1 ? p.Value : p.Value * p.Weight).Aggregate((sum, next) => sum + next);
    }

    /// <summary>Hands the student over: it outlives this module, which is not used any more.</summary>
    public PatchMamba Release()
    {
        var kept = new PatchMamba(student.Options);
        using IDisposable _ = no_grad();
        foreach (var (own, trained) in kept.parameters().Zip(student.parameters()))
        {
            own.copy_(trained);
            own.DetachFromDisposeScope();
        }

        kept.eval();
        return kept;
    }

    /// <summary>Mean of each part in the epoch under way.</summary>
    public IReadOnlyDictionary<string, double> Terms()
    {
        double[] sums = term_sums.data<double>().ToArray();
        return _names.Index().ToDictionary(n => n.Item, n => sums[n.Index] / sums[Samples]);
    }
}
