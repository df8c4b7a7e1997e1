using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Fscil;

/// <summary>Images and the protocol in which their classes come.</summary>
/// <param name="Name">Of the data set</param>
/// <param name="Variant">How far images and lists are the published ones</param>
/// <param name="Train">Images that sessions train on</param>
/// <param name="Test">Images that they are judged on</param>
/// <param name="Labels">Name of each label of the data</param>
/// <param name="Protocol">Sessions</param>
/// <param name="Files">What was read, with hashes</param>
/// <param name="Notes">What a reader of results should know</param>
public sealed record FscilData(
    string Name, DataVariant Variant, ImageSamples Train, ImageSamples Test, IReadOnlyList<string> Labels, FscilProtocol Protocol, IReadOnlyList<DataSetFile> Files, IReadOnlyList<string> Notes)
{
    private (ImageSamples Images, FscilProtocol Of, ImageNormalization Value)? _normalization;

    /// <summary>The images are the negatives of their files, ink 1 and paper 0: a model that is given files must turn them over too.</summary>
    public bool Inverted { get; init; }

    /// <summary>Name of each class, in the order of the protocol.</summary>
    public IReadOnlyList<string> ClassNames => [.. Protocol.ClassOrder.Select(label => Labels[label])];

    /// <summary>Class of a training image.</summary>
    public int TrainClass(int image) => Protocol.ClassOf(Train.Labels[image]);

    /// <summary>Class of a test image.</summary>
    public int TestClass(int image) => Protocol.ClassOf(Test.Labels[image]);

    /// <summary>Mean and deviation of each channel over the base training images; measured at the first use.</summary>
    public ImageNormalization Normalization
    {
        get
        {
            // A copy with another protocol has measured nothing yet.
            if (_normalization is not { } known || !ReferenceEquals(known.Images, Train) || !ReferenceEquals(known.Of, Protocol))
            {
                _normalization = known = (Train, Protocol, ImageNormalization.Of(Train, Protocol.Sessions[0].Train));
            }

            return known.Value;
        }
    }

    /// <summary>A line for logs.</summary>
    public string Summary => $"{Name}, {Variant.ToString().ToLowerInvariant()}: {Protocol.Summary}, {Protocol.Sessions[0].Train.Length:n0} base and {Protocol.Sessions.Sum(s => s.Test.Length):n0} test images";

    /// <summary>
    /// A protocol inside the base session, to choose settings by without a look at novel classes or test images: a third of the base classes come in sessions as if
    /// they were novel, as many ways and shots as the real ones have, and the last fifth of each base class's training images are its test images.
    /// </summary>
    public FscilData Pseudo(int seed)
    {
        int ways = Protocol.Sessions.Count > 1 ? Protocol.Sessions[1].ClassCount : 1, shots = Protocol.Sessions.Count > 1 ? Math.Max(1, Protocol.Sessions[1].Train.Length / ways) : 5;
        int novel = Protocol.BaseClasses / 3;
        ways = Math.Clamp(ways, 1, Math.Max(1, novel));
        int sessions = novel / ways, known = Protocol.BaseClasses - (sessions * ways);
        if (known < 2 || sessions < 1)
        {
            throw new ArgumentException($"{Protocol.BaseClasses} base classes are too few to hold some back as if they were novel; settings cannot be tried on them, give --trials 1.");
        }

        ILookup<int, int> images = Protocol.Sessions[0].Train.ToLookup(TrainClass);
        int[] order = RandomPermutation.Of(Protocol.BaseClasses, (ulong)seed, RandomStream.Splits, draw: int.MaxValue);
        var made = new List<FscilSession>();
        for (int t = 0, first = 0; t <= sessions; t++)
        {
            int count = t == 0 ? known : ways;
            int[][] of = [.. order[first..(first + count)].Select(k => images[k].ToArray())];
            made.Add(new FscilSession(t, first, count, [.. of.SelectMany(all => all[..(t == 0 ? Kept(all) : Math.Min(shots, Kept(all)))])], [.. of.SelectMany(all => all[Kept(all)..])]));
            first += count;
        }

        var protocol = new FscilProtocol(FormattableString.Invariant($"base classes held back, seed {seed}"), [.. order[..(known + (sessions * ways))].Select(k => Protocol.ClassOrder[k])], Labels.Count, made);
        return this with { Test = Train, Protocol = protocol };

        static int Kept(int[] all) => all.Length >= 2 ? Math.Clamp(all.Length * 4 / 5, 1, all.Length - 1)
            : throw new ArgumentException("A base class has a single training image, which cannot both be trained on and tried on; give --trials 1.");
    }
}
