using static System.FormattableString;

namespace MambaExt.Data.Images;

/// <summary>A data set of images: a part to train on, a part to test on, and what the classes are called.</summary>
public sealed class ImageDataSet
{
    /// <summary>Checks the parts against one another.</summary>
    /// <param name="name">Name in the registry and in results.</param>
    /// <param name="train">To train on; a validation part is taken out of it by index.</param>
    /// <param name="test">To test on, read once a run.</param>
    /// <param name="classNames">A name a class, [K], in the order of the labels.</param>
    /// <param name="variant">How far this is the published data set.</param>
    /// <param name="files">What it was read from.</param>
    /// <exception cref="InvalidDataException">The parts do not fit one another.</exception>
    public ImageDataSet(string name, ImageSamples train, ImageSamples test, IReadOnlyList<string> classNames, DataVariant variant, IReadOnlyList<DataSetFile> files)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(classNames);
        (Name, Train, Test, ClassNames, Variant, Files) = (name, train, test, classNames, variant, files);
        if (train.Channels != test.Channels || (test.Count > 0 && train.Size != test.Size))
        {
            throw new InvalidDataException(
                $"The training images of {name} have {train.Channels} channels and {Words(train)}, the test images {test.Channels} and {Words(test)}; both parts need the same.");
        }

        Check(train, "training");
        Check(test, "test");
    }

    /// <summary>Name in the registry and in results.</summary>
    public string Name { get; }

    /// <summary>To train on.</summary>
    public ImageSamples Train { get; }

    /// <summary>To test on.</summary>
    public ImageSamples Test { get; }

    /// <summary>A name a class, [K].</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Classes, K.</summary>
    public int ClassCount => ClassNames.Count;

    /// <summary>Channels, C.</summary>
    public int Channels => Train.Channels;

    /// <summary>Height and width of every image, or null where each image has its own.</summary>
    public ImageSize? Size => Train.Size;

    /// <summary>How far this is the published data set.</summary>
    public DataVariant Variant { get; }

    /// <summary>True where every file is the published one: only then may published numbers stand beside a result.</summary>
    public bool IsOfficial => Variant == DataVariant.Official;

    /// <summary>What the data set was read from.</summary>
    public IReadOnlyList<DataSetFile> Files { get; }

    /// <summary>What was found in the files and how it was handled, a sentence part each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>The same with notes.</summary>
    public ImageDataSet WithNotes(IReadOnlyList<string> notes) => new(Name, Train, Test, ClassNames, Variant, Files) { Notes = notes };

    /// <summary>One line for a log or a report: <c>cifar10, unofficial: 12,000 train, 3,000 test, 3x32x32, 10 classes</c>.</summary>
    public string Summary => Invariant($"{Name}, {Variant.ToString().ToLowerInvariant()}: {Train.Count:N0} train, {Test.Count:N0} test, {Channels}x{Words(Train)}, {ClassCount:N0} classes");

    /// <inheritdoc/>
    public override string ToString() => Summary;

    private static string Words(ImageSamples samples) => samples.Size?.ToString() ?? "photographs";

    private void Check(ImageSamples part, string name)
    {
        int odd = Array.FindIndex(part.Labels, label => (uint)label >= (uint)ClassCount);
        if (odd >= 0)
        {
            throw new InvalidDataException($"The {name} {part.Name(odd)} of {Name} has label {part.Labels[odd]} and there are {ClassCount} classes; labels are 0 to {ClassCount - 1}.");
        }
    }
}
