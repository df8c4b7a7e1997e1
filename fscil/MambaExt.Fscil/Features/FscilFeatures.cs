using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Protocol;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>
/// Everything that sessions behind the base work on: the frozen backbone's maps of the base training images (in several views: as they are, and augmented),
/// of the shots of each session and of the test images. The images themselves and the backbone are not looked at again.
/// </summary>
public sealed class FscilFeatures : IDisposable
{
    private readonly int[] _testEnds;

    /// <summary>Takes over the maps.</summary>
    /// <param name="protocol">Of the run</param>
    /// <param name="baseViews">Views of the base training images, the first without augmentation</param>
    /// <param name="shots">Of each session from 1 on</param>
    /// <param name="test">Of all sessions, in their order</param>
    /// <param name="size">What the levels are; null for the mean of the map</param>
    public FscilFeatures(FscilProtocol protocol, IReadOnlyList<MapSet> baseViews, IReadOnlyList<MapSet> shots, MapSet test, FeatureSize? size = null)
    {
        (Protocol, BaseViews, Shots, Test) = (protocol, baseViews, shots, test);
        long[] shape = baseViews[0].Maps.shape;
        Size = size ?? new FeatureSize(new MapSize((int)shape[1], (int)shape[2], (int)shape[3]));
        int end = 0;
        _testEnds = [.. protocol.Sessions.Select(s => end += s.Test.Length)];
        if (shots.Count != protocol.Sessions.Count - 1 || test.Count != end)
        {
            throw new ArgumentException($"{shots.Count} sets of shots and {test.Count} test maps were given for {protocol.Sessions.Count - 1} sessions and {end} test images; give the maps of this protocol.");
        }
    }

    /// <summary>Of the run.</summary>
    public FscilProtocol Protocol { get; }

    /// <summary>What there is of each image.</summary>
    public FeatureSize Size { get; }

    /// <summary>Size of each map.</summary>
    public MapSize Map => Size.Map;

    /// <summary>Base training images; [0] without augmentation.</summary>
    public IReadOnlyList<MapSet> BaseViews { get; }

    /// <summary>Shots of sessions 1, 2, ...</summary>
    public IReadOnlyList<MapSet> Shots { get; }

    /// <summary>Test images of all sessions.</summary>
    public MapSet Test { get; }

    /// <summary>The test images of the classes seen after a session, as views.</summary>
    public ImageFeatures TestUntil(int session) => Test.Part(0, _testEnds[session]);

    /// <summary>Their classes.</summary>
    public int[] TestClassesUntil(int session) => Test.Classes[.._testEnds[session]];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MapSet set in BaseViews.Concat(Shots).Append(Test))
        {
            set.Dispose();
        }
    }
}
