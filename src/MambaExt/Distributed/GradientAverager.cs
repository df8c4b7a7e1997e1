using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>
/// Averages the gradients of a module over the ranks, between <c>backward</c> and the optimizer's step, so that N ranks with a part of a
/// batch each make the step that one rank makes with the whole. Gradients travel in buckets, in the order of the parameters' names as the
/// module gives them, through memory that is allocated once. All ranks end with the same bits.
/// </summary>
public sealed class GradientAverager : IDisposable
{
    /// <summary>Bytes of a bucket unless said otherwise, 25 MB: large enough for the network's full speed (Li and others, arXiv 2006.15704).</summary>
    public const long DefaultBucketBytes = 25_000_000;

    private readonly ICommunicator _communicator;
    private readonly Tensor[] _parameters;
    private readonly GradientBucket[] _buckets;
    private readonly bool _synchronized;

    /// <summary>Takes the parameters of <paramref name="module"/> that require a gradient now: make another one after freezing or thawing
    /// some, or after moving the module to another type or device. Collective.</summary>
    /// <param name="module">The model</param>
    /// <param name="communicator">The ranks</param>
    /// <param name="bucketBytes">The most bytes of a bucket; a parameter that is larger has one of its own</param>
    /// <exception cref="ArgumentException">The parameters differ between ranks by name, type or shape, or there are none.</exception>
    public GradientAverager(nn.Module module, ICommunicator communicator, long bucketBytes = DefaultBucketBytes)
        : this(module.named_parameters().Where(p => p.parameter.requires_grad), communicator, bucketBytes)
    {
        _synchronized = DataParallel.Modules(module).Any(m => m.Module is SyncBatchNorm);
    }

    /// <summary>Takes parameters by name, float32 masters of a model's weights say. For <see cref="AverageSums"/>. Collective.</summary>
    /// <exception cref="ArgumentException">The parameters differ between ranks by name, type or shape, or there are none.</exception>
    internal GradientAverager(IEnumerable<(string name, Parameter parameter)> parameters, ICommunicator communicator, long bucketBytes = DefaultBucketBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bucketBytes, 1);
        (string Name, Tensor Tensor)[] named = [.. parameters.Select(p => (p.name, (Tensor)p.parameter))];
        ParameterManifest.RequireSame(communicator, named, "trainable parameters");
        if (named.Length == 0)
        {
            throw new ArgumentException("The model has no parameter that requires a gradient, so that there is nothing to average; give the module that is trained.");
        }

        _communicator = communicator;
        _parameters = [.. named.Select(p => p.Tensor)];
        _buckets = GradientBucket.Cut(_parameters, bucketBytes);
    }

    /// <summary>
    /// For a rank whose loss is a <em>mean</em> over its samples: replaces each gradient by <c>sum(weight gradient) / sum(weight)</c> over
    /// the ranks. A gradient that a rank does not have counts as zero there; one that no rank has stays away. Collective.
    /// </summary>
    /// <param name="weight">This rank's number of samples, where the ranks' numbers differ; 0 for a rank that had none, whose gradients
    /// are not read</param>
    /// <exception cref="InvalidOperationException">The weights sum to 0; or they differ and the model has a <see cref="SyncBatchNorm"/>,
    /// through which the loss of one rank has gradients on the others: those want <see cref="AverageSums"/>.</exception>
    public void Average(double weight = 1) => Reduce(weight, means: true);

    /// <summary>
    /// For a rank whose loss is a <em>sum</em> over its samples: replaces each gradient by <c>sum(gradient) / sum(weight)</c> over the
    /// ranks. Right for any model and any numbers of samples. Otherwise as <see cref="Average"/>.
    /// </summary>
    /// <param name="weight">This rank's number of samples; its gradients are read even if it is 0</param>
    public void AverageSums(double weight) => Reduce(weight, means: false);

    /// <summary>Frees the buckets.</summary>
    public void Dispose()
    {
        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Dispose();
        }
    }

    private void Reduce(double weight, bool means)
    {
        if (!(weight >= 0 && double.IsFinite(weight)))
        {
            throw new ArgumentOutOfRangeException(nameof(weight), $"weight is {weight}; it must be finite and not negative, as a number of samples is.");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor?[] gradients = [.. _parameters.Select(p => means && weight == 0 ? null : p.grad)];

        // One message: the weights, and which gradients there are.
        Tensor counts = tensor(new[] { weight, weight * weight }.Concat(gradients.Select(g => g is null ? 0.0 : 1.0)).ToArray());
        _communicator.AllReduceSum(counts);
        double[] summed = counts.data<double>().ToArray();
        (double total, double squares) = (summed[0], summed[1]);
        if (total == 0)
        {
            throw new InvalidOperationException($"The weights of all {_communicator.Size} rank(s) are 0, so that there is no average; leave out a step for which no rank has a sample.");
        }

        // Equal weights only: by Cauchy and Schwarz the sides are equal then and no sooner.
        if (means && _synchronized && _communicator.Size * squares > total * total * (1 + 1e-12))
        {
            throw new InvalidOperationException(
                $"The weights of the ranks differ and the model has a {nameof(SyncBatchNorm)}, which couples their losses; take sums over samples as the losses and call {nameof(AverageSums)}.");
        }

        double scale = means ? weight / total : 1 / total;
        if (_communicator.Size == 1 && scale == 1)
        {
            return;
        }

        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Exchange(_parameters, gradients, scale, _communicator, exists: i => summed[2 + i] > 0);
        }
    }
}
