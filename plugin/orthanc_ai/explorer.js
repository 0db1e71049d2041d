// Extends Orthanc Explorer. On the page of a study: a button that opens it in OHIF, and below it what the AI found.
// Orthanc Explorer is built with jQuery Mobile; its own pages are extended in the same way by other plugins.
$(document).on('pagebeforeshow', '#study', function () {
  'use strict';
  var study = $.mobile.pageData && $.mobile.pageData.uuid;
  var old = $('#orthanc-ai');
  old.remove();
  if (!study) {
    return;
  }
  var box = $('<div>', { id: 'orthanc-ai' }).css('overflow-wrap', 'break-word').insertAfter($('#study-info'));

  function percent(score) {
    return (100 * score).toFixed(1) + '\u00a0%';
  }

  function row(cells, tag) {
    var line = $('<tr>');
    cells.forEach(function (cell) {
      line.append($(tag || '<td>').css({ padding: '2px 12px 2px 0', 'text-align': 'left', 'vertical-align': 'top' }).text(cell));
    });
    return line;
  }

  function meaning(finding) {
    return finding.concept ? finding.concept.meaning : finding.label;
  }

  function showImage(image) {
    var heading = image.modality + ' ' + (image.model ? '(' + image.model + ')' : '');
    box.append($('<h4>').text('AI findings: ' + heading));
    if (image.warning) {
      box.append($('<p>').css({ 'font-weight': 'bold', color: '#b00000' }).text(image.warning));
    }
    if (!image.findings.length) {
      box.append($('<p>').text(image.code + ': ' + image.sentence + ' ' + image.detail));
      return;
    }
    // The column is narrow. A demonstration model decides nothing, so there is no need of a place to say so in each row.
    var decides = image.findings.some(function (finding) { return finding.presence; });
    var table = $('<table>').append(row(['Finding', 'Score', 'Threshold'].concat(decides ? 'Presence' : []), '<th>'));
    image.findings
      .slice()
      .sort(function (a, b) { return b.score - a.score; })
      .forEach(function (finding) {
        var presence = decides ? finding.presence || 'not decided' : [];
        var line = row([meaning(finding), percent(finding.score), percent(finding.threshold)].concat(presence));
        table.append(line.css('font-weight', finding.score >= finding.threshold ? 'bold' : 'normal'));
      });
    box.append(table);
    image.notes.forEach(function (note) {
      box.append($('<p>').text(note.code + ': ' + note.sentence));
    });
  }

  function showVerdict(verdict) {
    if (verdict.level === 'study') {
      var page = $('<a>', { href: '../ai/studies/' + verdict.id + '/cardiac', target: '_blank', rel: 'noopener' });
      box.append($('<p>').append(page.text('CT series: verdicts, and where their slices lie')));
      return;
    }
    var role = verdict.verdict.accepted ? 'accepted, ' + verdict.verdict.role : verdict.sentence;
    box.append($('<p>').text('CT series ' + (verdict.verdict.description || verdict.seriesInstanceUID) + ': ' + role));
  }

  $.getJSON('../studies/' + study, function (answer) {
    var link = '../ohif/viewer?StudyInstanceUIDs=' + encodeURIComponent(answer.MainDicomTags.StudyInstanceUID);
    var button = $('<a>', { href: link, target: '_blank', rel: 'noopener' })
      .attr({ 'data-role': 'button', 'data-icon': 'search', 'data-theme': 'e' })
      .text('Open in OHIF');
    box.prepend(button);
    button.button();
  });

  function linkToPage() {
    var page = $('<a>', { href: '../ai/studies/' + study, target: '_blank', rel: 'noopener' })
      .attr({ 'data-role': 'button', 'data-icon': 'info', 'data-theme': 'e' })
      .text('AI findings of this study');
    box.append(page);
    page.button();
  }

  $.getJSON('../ai/studies/' + study + '/findings', function (answer) {
    if (answer.images.length) {
      linkToPage();
    }
    answer.images.forEach(showImage);
    answer.cardiac.forEach(showVerdict);
  });
});

// On its first page, the ways to what is under way, and to what all the archive holds, counted.
$(document).on('pagebeforeshow', '#lookup', function () {
  'use strict';
  if ($('#orthanc-ai-ways').length) {
    return;
  }
  var ways = $('<div>', { id: 'orthanc-ai-ways' });
  [
    ['../ai/', 'Operation: what is under way, what failed, and the worklist'],
    ['../ai/catalog', 'Catalogue: what this archive holds'],
  ].forEach(function (way) {
    ways.append($('<p>').append($('<a>', { href: way[0], target: '_blank', rel: 'noopener' }).text(way[1])));
  });
  // There is a second element of this role in the first.
  $('#lookup [data-role="content"]').first().append(ways);
});
