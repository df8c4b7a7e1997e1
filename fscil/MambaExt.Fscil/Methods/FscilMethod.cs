using MambaExt.Fscil.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>
/// A method of few-shot class-incremental learning on the maps of a frozen backbone: it learns the base classes once, then the shots of session after
/// session, and scores any map against all classes seen so far. It remembers a mean map of each class and nothing else of the data.
/// </summary>
public abstract class FscilMethod : nn.Module
{
    private const string MemoryName = "memory", LevelsName = "level_memory";


    /// <summary>Makes room for all classes.</summary>
    /// <param name="name">As it is called in results</param>
    /// <param name="size">What there is of each image</param>
    /// <param name="maxClasses">Classes that it can ever hold</param>
    protected FscilMethod(string name, FeatureSize size, int maxClasses)
        : base(name)
    {
        (Name, Size, MaxClasses) = (name, size, maxClasses);
        register_buffer(MemoryName, zeros([maxClasses, .. size.Map.Shape]).DetachFromDisposeScope());
        register_buffer(LevelsName, zeros(maxClasses, size.Total).DetachFromDisposeScope());
    }

    /// <summary>As it is called in results.</summary>
    public string Name { get; }

    /// <summary>What there is of each image.</summary>
    public FeatureSize Size { get; }

    /// <summary>Classes that it can ever hold.</summary>
    public int MaxClasses { get; }

    /// <summary>Classes of the base session; 0 before it.</summary>
    public int BaseClasses { get; private set; }

    /// <summary>Classes seen so far.</summary>
    public int Seen { get; private set; }

    /// <summary>Sessions behind the base that it has learned.</summary>
    public int Session { get; private set; }

    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>Mean maps of the classes seen so far, [seen, h, w, C]; a view.</summary>
    protected Tensor Memory => get_buffer(MemoryName)!.narrow(0, 0, Seen);

    /// <summary>Mean levels of the classes seen so far, [seen, E]; a view.</summary>
    protected Tensor LevelMemory => get_buffer(LevelsName)!.narrow(0, 0, Seen);

    /// <summary>Learns the base classes.</summary>
    public void LearnBase(FscilFeatures features, MethodContext context)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Seen, 0);
        Remember(features.BaseViews[0], features.Protocol.BaseClasses);
        BaseClasses = Seen;
        OnBase(features, context);
    }

    /// <summary>Learns further classes from their shots.</summary>
    /// <param name="shots">Of classes <see cref="Seen"/>, <see cref="Seen"/> + 1, ...</param>
    /// <param name="count">How many classes are new</param>
    /// <param name="context">Seed and progress</param>
    /// <exception cref="ArgumentException">There is no room for so many classes.</exception>
    public void Learn(MapSet shots, int count, MethodContext context)
    {
        if (Seen + count > MaxClasses)
        {
            throw new ArgumentException($"{count} classes were to be added to {Seen} and the model was made for {MaxClasses}; train it with a larger --max-classes.");
        }

        Remember(shots, count);
        Session++;
        OnSession(shots, context);
    }

    /// <summary>Mean over positions of the mean map of each class seen so far, [seen, C].</summary>
    public Tensor ClassMeans() => Memory.mean([1L, 2L]);

    /// <summary>A score for each class seen so far, the highest of which is the answer, [n, seen].</summary>
    public Tensor Score(ImageFeatures features)
    {
        if (Seen == 0)
        {
            throw new InvalidOperationException($"{Name} has learned no class yet; let it learn the base classes first.");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        return Scores(features).MoveToOuterDisposeScope();
    }

    /// <summary>The class of each image, [n].</summary>
    /// <param name="features">Of n images</param>
    /// <param name="batch">Images scored at a time</param>
    public int[] Predict(ImageFeatures features, int batch = 512)
    {
        var answers = new List<int>();
        for (long at = 0, count = features.Maps.shape[0]; at < count; at += batch)
        {
            using DisposeScope scope = NewDisposeScope();
            answers.AddRange(Score(features.Part(at, Math.Min(batch, count - at))).argmax(1).cpu().data<long>().Select(k => (int)k));
        }

        return [.. answers];
    }

    /// <summary>Takes up where a saved one was, whose parameters and buffers are loaded by the caller.</summary>
    internal void Continue(int baseClasses, int seen, int session) => (BaseClasses, Seen, Session) = (baseClasses, seen, session);

    /// <summary>Learns from the base maps; the memory has their means already.</summary>
    protected abstract void OnBase(FscilFeatures features, MethodContext context);

    /// <summary>Learns from shots; the memory has their means already.</summary>
    protected abstract void OnSession(MapSet shots, MethodContext context);

    /// <summary>[n, seen]; in a dispose scope and without gradients.</summary>
    protected abstract Tensor Scores(ImageFeatures features);

    private void Remember(MapSet set, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        int first = Seen;
        if (set.Classes.Any(c => c < first || c >= first + count))
        {
            throw new ArgumentException($"Images of classes {set.Classes.Min()} to {set.Classes.Max()} were given where classes {first} to {first + count - 1} are learned; number new classes on from those seen.");
        }

        get_buffer(MemoryName)!.narrow(0, first, count).copy_(set.Means(set.Maps, first, count));
        get_buffer(LevelsName)!.narrow(0, first, count).copy_(set.Means(set.Levels, first, count));
        Seen += count;
    }
}
