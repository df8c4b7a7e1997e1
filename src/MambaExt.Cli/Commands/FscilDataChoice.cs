using System.CommandLine;
using System.CommandLine.Parsing;
using MambaExt.Fscil;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;

namespace MambaExt.Cli.Commands;

/// <summary>Options that say which images an fscil command works on, and in which order their classes come.</summary>
/// <param name="listed">A protocol may also come from lists</param>
internal sealed class FscilDataChoice(bool listed = true)
{
    private const int DefaultPhotoSize = 32;
    private readonly Option<string?> _dataSet = new("--dataset") { Description = $"Required: {string.Join(", ", FscilDataSets.Names)}.", HelpName = "NAME" };
    private readonly Option<string?> _data = CommonOptions.Folder(GraphDataOptions.DataName, "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA).");
    private readonly Option<string?> _lists = CommonOptions.Folder("--lists", $"Folder of the protocol's lists, session_1.txt, test_1.txt, ... (default: {FscilDataSets.ListsFolder} beside the data, else a drawn protocol).");
    private readonly Option<int> _base = CommonOptions.Number("--base-classes", "N", "Of a drawn protocol: classes of the base session.", 2, 1_000_000);
    private readonly Option<int> _ways = CommonOptions.Number("--ways", "N", "Of a drawn protocol: new classes of each session.", 1, 1_000_000);
    private readonly Option<int> _shots = CommonOptions.Number("--shots", "N", "Of a drawn protocol: images of each new class.", 1, 1_000_000);

    public IEnumerable<Option> All => listed ? [_dataSet, _data, _lists, _base, _ways, _shots] : [_dataSet, _data, _base, _ways, _shots];

    /// <summary>Options whose value is a path.</summary>
    public IReadOnlyList<Option<string?>> Paths => [_data, _lists];

    /// <summary>Name of the data set.</summary>
    public string Name(ParseResult parsed) => parsed.GetValue(_dataSet)!;

    /// <summary>Adds the error of options that do not go together.</summary>
    public void Check(CommandResult result)
    {
        Option[] sizes = [_base, _ways, _shots];
        Option[] given = [.. sizes.Where(o => result.GetResult(o) is { Implicit: false })];
        if (result.GetResult(_dataSet) is null)
        {
            result.AddError($"--dataset is missing; known are {string.Join(", ", FscilDataSets.Names)}.");
        }
        else if (given.Length > 0 && result.GetResult(_lists) is { Implicit: false })
        {
            result.AddError($"--lists names a protocol and {given[0].Name} draws one; give one of the two.");
        }
        else if (given.Length is 1 or 2 || (!listed && given.Length == 0))
        {
            result.AddError($"{sizes.First(o => !given.Contains(o)).Name} is missing; a drawn protocol wants --base-classes, --ways and --shots.");
        }
    }

    /// <summary>The side that a recipe wants of photographs: that of the images that enter the backbone, or 0 where the profile crops them out of whole ones.</summary>
    /// <param name="profile">cpu or paper</param>
    /// <param name="dataSet">Name of the data</param>
    /// <param name="changes">Values of --set</param>
    public static int PhotoSize(string profile, string dataSet, IEnumerable<string> changes)
    {
        if (profile == "paper")
        {
            return 0;
        }

        // A size that no recipe can have is refused with the recipe; nothing is made of it before.
        int wanted = changes.Aggregate(FscilRecipes.For(profile, dataSet, 3, null, 2), RecipeChange.Apply).backbone.image_size;
        return wanted is >= 4 and <= 1024 ? wanted : DefaultPhotoSize;
    }

    /// <summary>Images once, and the protocol of each seed.</summary>
    /// <param name="parsed">The command line</param>
    /// <param name="photoSize">Side to which photographs are brought once; 0 to decode them each time in the size they have</param>
    public Func<int, FscilData> Load(ParseResult parsed, int photoSize = DefaultPhotoSize)
    {
        ProtocolOptions? drawn = parsed.GetResult(_base) is { Implicit: false } ? new ProtocolOptions(parsed.GetValue(_base), parsed.GetValue(_ways), parsed.GetValue(_shots)) : null;
        return FscilDataSets.Load(new FscilDataOptions(parsed.GetValue(_dataSet)!, parsed.GetValue(_data), listed ? parsed.GetValue(_lists) : null, drawn, photoSize));
    }
}
